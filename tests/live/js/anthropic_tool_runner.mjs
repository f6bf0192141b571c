// The SDK's own loop; it begins a message thread and must come through without one.
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: process.env.BASE, apiKey: process.env.KEY, maxRetries: 0 });
const asked = [];
const runner = client.beta.messages.toolRunner({
  model: process.env.MODEL,
  max_tokens: 256,
  messages: [{ role: "user", content: "weather?" }],
  tools: [
    {
      name: "get_weather",
      input_schema: { type: "object", properties: { city: { type: "string" } } },
      run: ({ city }) => (asked.push(city), `12 degrees in ${city}`),
      parse: (input) => input,
    },
  ],
});
const final = await runner;
console.log(JSON.stringify({ text: final.content.at(-1).text, asked }));
