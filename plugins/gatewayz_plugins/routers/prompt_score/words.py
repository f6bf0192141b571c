"""Word lists written by hand: what words say of a prompt. None of them was taken from data."""

from itertools import pairwise
from typing import Final

from gatewayz_plugins.routers.prompt_score.tokens import tokens_of

__all__ = ["GROUPS", "PAIRS", "PHRASES", "WORDS"]

GROUPS: Final[dict[str, str]] = {
    "quantity": """half twice double triple third quarter fifth thirds quarters percent percentage each per every
        rate ratio average total altogether remaining remainder left fewer times dozen sum
        combined""",
    "count": """one two three four five six seven eight nine ten eleven twelve twenty thirty fifty hundred thousand
        couple pair both first second third""",
    "unit": """dollar dollars cent cents hour hours minute minutes day days week weeks month months year years mile
        miles feet foot inch inches pound pounds gallon gallons meter meters km kg cost costs price pay pays paid
        earn earns spend spends sell sells sold buy buys bought speed mph age old""",
    "math": """primes group proof square equation equations integer integers prime polynomial triangle circle angle
        radius perimeter area volume probability sqrt frac matrix vector derivative integral function theorem modulo
        divisible root roots factor factors coefficient digit digits coordinates parallel perpendicular sequence
        series permutation logarithm cos sin tan inequality cdot begin real graph slope arithmetic geometric
        geometry algebra calculus formula numbers math""",
    "solve": """proves induction calculate compute solve evaluate simplify determine find prove proof derive show
        minimize maximize optimize estimate verify""",
    "code": """python javascript java typescript sql html css rust golang function functions class method def return
        returns import print array list string strings dict tuple loop algorithm code program script implement debug
        bug compile api json regex query database component variable parameter parameters assert lambda async docker
        git bash linux node react pandas numpy django boolean int str integer input output recursion complexity
        kotlin swift ruby php powershell kubernetes yaml xml endpoint server""",
    "logic": """if then therefore implies premise premises conclusion argument valid invalid true false either
        neither unless suppose assume statement statements logical fallacy puzzle logic deduce infer whether because
        row""",
    "law": """court defendant plaintiff statute contract law legal judge jury tort liability liable negligence
        criminal constitutional evidence admissible testimony attorney landlord property owner lease deed conviction
        murder robbery burglary suit sued sues trial counsel rights amendment federal congress state jurisdiction""",
    "moral": """morally wrong moral ethical ethics character scenario scenarios duty virtue utilitarian""",
    "medicine": """patient symptoms disease diagnosis treatment clinical blood pressure syndrome infection physician
        hospital drug dose therapy virus cell cells gene genes muscle nerve artery bone pain fever examination""",
    "science": """energy force velocity mass temperature atom atoms molecule molecules electron chemical reaction
        acid water light wave magnetic electric current voltage charge gas pressure planet star stars solar organism
        organisms species plants plant animals heat gravity orbit earth experiment scientist""",
    "economics": """price demand supply market tax inflation interest income cost costs firm monetary fiscal policy
        revenue stock bond investment accounting audit balance profit monopoly trade gdp bank company""",
    "explain": """explain describe discuss analyze analyse compare contrast evaluate why how elaborate interpret
        implications advantages disadvantages pros cons difference differences causes effects impact""",
    "write": """write compose draft essay story poem article blog email letter speech paragraph headline novel
        lyrics song tagline caption creative rewrite narrative dialogue screenplay review summary""",
    "role": """pretend imagine act acting role roleplay persona embody assume style tone character voice""",
    "extract": """extract identify list table csv format categorize classify label entities following text passage
        given below json summarize article translate sentence paragraph edit correct grammar""",
    "plan": """plan design strategy steps step architecture build create develop detailed comprehensive system
        project schedule roadmap framework approach""",
    "constraint": """must only exactly without least most avoid ensure should never always limit maximum minimum
        requirement requirements constraint constraints no not except""",
    "chat": """hi hello hey thanks thank please you your favorite think feel like joke fun recommend advice tips
        best good help need want""",
    "recall": """who when where which name country city capital year first president wrote born film movie song
        actor team won world war king author played located called""",
    "short": """word yes no letter single briefly brief short concise one choice answer only""",
    "long": """detailed comprehensive thorough essay full complete long words pages article chapter everything depth
        extensive outline""",
    "hedge": """most likely best primarily would following example term refers known process result""",
}  # fmt: skip
"""Words of one kind, by the kind's name. A word may be of several kinds."""

PHRASES: Final[dict[str, tuple[str, ...]]] = {
    "how_many": ("how many", "how much", "what is the total", "how long", "how far", "how old"),
    "more_than": ("more than", "less than", "as many", "as much", "times as", "fewer than", "times more"),
    "of_following": ("of the following", "which one", "which of", "all of", "none of", "both of", "statement 1"),
    "step_by_step": ("step by", "by step", "show your", "in detail", "make sure", "take into"),
    "act_as": ("act as", "you are", "imagine you", "pretend to", "role of", "style of", "as if", "as a"),
    "write_code": ("a function", "python function", "write code", "a program", "the code", "a class"),
    "fill_in": ("is called", "are called", "known as", "refers to", "is the", "are the", "such as"),
    "moral_case": ("the main character", "clearly morally", "morally wrong", "these two scenarios", "main character"),
}  # fmt: skip
"""Phrases of two or more words, by the name of their feature."""


def _by_token() -> dict[str, tuple[str, ...]]:
    kinds: dict[str, list[str]] = {}
    for kind, words in GROUPS.items():
        for token in sorted(set(tokens_of(words))):
            kinds.setdefault(token, []).append(kind)
    return {token: tuple(found) for token, found in kinds.items()}


def _by_pair() -> dict[tuple[str, str], str]:
    pairs: dict[tuple[str, str], str] = {}
    for name, phrases in PHRASES.items():
        for phrase in phrases:
            tokens = tokens_of(phrase)
            for pair in pairwise(tokens):
                pairs.setdefault(pair, name)
    return pairs


WORDS: Final = _by_token()
"""Token → the kinds it belongs to."""
PAIRS: Final = _by_pair()
"""Two neighbouring tokens → the phrase feature they speak for."""
