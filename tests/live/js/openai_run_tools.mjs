// The SDK's own loop: it calls the function and sends the result back.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE + "/v1", apiKey: process.env.KEY, maxRetries: 0 });
const asked = [];
const runner = client.chat.completions.runTools({
  model: process.env.MODEL,
  messages: [{ role: "user", content: "weather?" }],
  stream: true,
  tools: [
    {
      type: "function",
      function: {
        name: "get_weather",
        parameters: { type: "object", properties: { city: { type: "string" } } },
        parse: JSON.parse,
        function: ({ city }) => (asked.push(city), `12 degrees in ${city}`),
      },
    },
  ],
});
console.log(JSON.stringify({ text: await runner.finalContent(), asked }));
