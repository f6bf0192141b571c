"""Speech by a service that speaks OpenAI's audio protocol."""

from gatewayz.sdk.hookspecs import ToolRegister, hookimpl
from gatewayz_plugins.tools.text_to_speech.speech import SpeechSettings, TextToSpeech


@hookimpl
def gatewayz_register_tools(register: ToolRegister) -> None:
    """Offer the tool as `text_to_speech`."""
    register("text_to_speech", TextToSpeech, settings=SpeechSettings)
