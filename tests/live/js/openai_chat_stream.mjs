// A stream with text and two tool calls, gathered by the SDK's helper.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE + "/v1", apiKey: process.env.KEY, maxRetries: 0 });
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const stream = client.chat.completions.stream({
  model: process.env.MODEL,
  messages: [{ role: "user", content: "weather?" }],
  tools: [{ type: "function", function: { name: "get_weather", parameters } }],
  stream_options: { include_usage: true },
});
let text = "";
const pieces = [];
stream.on("content", (delta) => (text += delta));
stream.on("tool_calls.function.arguments.delta", (event) => pieces.push(event.arguments_delta));
const final = await stream.finalChatCompletion();
const { message, finish_reason } = final.choices[0];
console.log(
  JSON.stringify({
    text,
    pieces: pieces.length,
    finish_reason,
    calls: message.tool_calls.map((call) => [call.id, call.function.name, call.function.arguments]),
    usage: final.usage.total_tokens,
  }),
);
