// A whole answer, and the facts the SDK reads from its headers.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE + "/v1", apiKey: process.env.KEY, maxRetries: 0 });
const { data, request_id } = await client.chat.completions
  .create({ model: process.env.MODEL, messages: [{ role: "user", content: "ping" }] })
  .withResponse();
console.log(JSON.stringify({ text: data.choices[0].message.content, model: data.model, request_id }));
