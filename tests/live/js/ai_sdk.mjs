// Vercel's AI SDK: its OpenAI provider speaks to /v1/responses unless told otherwise.
import { createOpenAI } from "@ai-sdk/openai";
import { generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const provider = createOpenAI({ baseURL: process.env.BASE + "/v1", apiKey: process.env.KEY });
const out = {};
for (const [name, model] of [
  ["responses", provider(process.env.MODEL)],
  ["chat", provider.chat(process.env.MODEL)],
]) {
  const whole = await generateText({ model, prompt: "ping", maxRetries: 0 });
  const stream = streamText({ model, prompt: "ping", maxRetries: 0 });
  let streamed = "";
  for await (const delta of stream.textStream) streamed += delta;
  const usage = await stream.usage;
  out[name] = { text: whole.text, streamed, finish: await stream.finishReason, tokens: usage.totalTokens };
}
const schema = z.object({ city: z.string(), celsius: z.number() });
const model = provider(process.env.JSON_MODEL);
out.object = (await generateObject({ model, schema, prompt: "weather?", maxRetries: 0 })).object;
const asked = [];
const inputSchema = z.object({ city: z.string() });
const execute = async ({ city }) => (asked.push(city), `12 degrees in ${city}`);
const looped = await generateText({
  model: provider(process.env.TOOL_MODEL),
  prompt: "weather?",
  maxRetries: 0,
  stopWhen: stepCountIs(3),
  tools: { get_weather: tool({ description: "Tell the weather", inputSchema, execute }) },
});
out.loop = { text: looped.text, asked };
console.log(JSON.stringify(out));
