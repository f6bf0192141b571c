// A stream with the SDK's helper: thinking, text and tool input.
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: process.env.BASE, apiKey: process.env.KEY, maxRetries: 0 });
const stream = client.messages.stream({
  model: process.env.MODEL,
  max_tokens: 2048,
  messages: [{ role: "user", content: "weather?" }],
  tools: [{ name: "get_weather", input_schema: { type: "object", properties: { city: { type: "string" } } } }],
});
let text = "";
const pieces = [];
stream.on("text", (delta) => (text += delta));
stream.on("inputJson", (delta) => pieces.push(delta));
const final = await stream.finalMessage();
const calls = final.content.filter((block) => block.type === "tool_use");
console.log(
  JSON.stringify({
    text,
    pieces: pieces.length,
    calls: calls.map((call) => [call.id, call.name, call.input]),
    stop: final.stop_reason,
    usage: [final.usage.input_tokens, final.usage.output_tokens],
  }),
);
