"""Prompts written for these tests: none is from the training data, from its examples or from a benchmark."""

from typing import Final

__all__ = ["EASY", "GREETINGS", "HARD", "NOISY"]

GREETINGS: Final = ("hi", "hey there!", "good evening", "thank you so much", "how was your weekend?")
HARD: Final = {
    "math": (
        "Show that every continuous function on a closed interval attains its maximum, and give a counterexample when "
        "the interval is open.",
        "A cinema has 18 rows with 24 seats each. On Friday three quarters of the seats were sold at $9, on Saturday "
        "all of them at $12. How much more was earned on Saturday?",
        "Solve the system of equations 2x + y = 11 and x - 3y = -5.",
        "A cyclist rides 14 km per hour for 90 minutes and then 20 km per hour for half an hour. How far did she get?",
        "Find the derivative of ln(x^2 + 1) and evaluate it at x = 2.",
        "The ratio of cats to dogs in a shelter is 3 to 5 and there are 64 animals. How many of them are dogs?",
    ),
    "code": (
        "Write a Java method that rotates a matrix by ninety degrees in place and state its complexity.",
        "My SQL query with two joins returns duplicate rows. How can I rewrite it to fix this?",
        "Implement a thread pool in C++ with a bounded queue and graceful shutdown.",
        "Write a Python script that renames all files in a directory by their creation date.",
        "Given a list of meeting times, write a function that returns the fewest rooms needed.",
    ),
    "reasoning": (
        "Five runners finished a race. Eva was before Ida but after Otto, and Uli was last. Who can have been second? "
        "Reason step by step.",
        "If every painter is patient and no patient person shouts, does it follow that no painter shouts? Explain.",
        "From the minutes below, extract every decision with its owner and due date and return them as a JSON list.",
    ),
}
EASY: Final = {
    "writing": (
        "Write a lullaby about a sleepy dragon.",
        "Compose a cheerful invitation to a garden party in the style of the roaring twenties.",
        "Pretend to be a retired astronaut and tell me a story about breakfast in orbit.",
        "Write a short blog post about why hiking makes people happy.",
        "Act as a stern librarian and ask me to be quiet.",
    ),
    "knowledge": (
        "Explain how vinegar is made.",
        "Describe the main causes of the Thirty Years' War.",
        "What is the difference between weather and climate?",
        "Who wrote Pride and Prejudice?",
        "Discuss how trade shaped the cities of the Renaissance.",
    ),
    "chat": GREETINGS,
}
NOISY: Final = (
    *(text for texts in HARD.values() for text in texts),
    *(text for texts in EASY.values() for text in texts),
    "Which of the following is not a noble gas?\nA. Argon\nB. Neon\nC. Nitrogen\nD. Krypton\nAnswer:",
    "A buyer signed a contract for a house. The seller died before the deed was delivered. Who bears the loss?\n"
    "A. The buyer\nB. The seller's estate\nC. The bank\nD. The tenant\nAnswer:",
    "Summarize the following text in one sentence: the council met on Tuesday and agreed to repair the bridge.",
    "Plan a three day trip to Vienna for a family with two small children and a limited budget.",
)
