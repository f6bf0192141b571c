// What is thrown, and whether the SDK tries again.
import OpenAI from "openai";

const client = (key) => new OpenAI({ baseURL: process.env.BASE + "/v1", apiKey: key, maxRetries: 2 });
const messages = [{ role: "user", content: "ping" }];
const errors = [];
for (const [key, model] of [["sk-wrong", process.env.MODEL], [process.env.KEY, "nonexistent/model"]]) {
  try {
    await client(key).chat.completions.create({ model, messages });
  } catch (error) {
    errors.push([error.constructor.name, error.status, error.code, typeof error.requestID]);
  }
}
let broken = null;
try {
  const stream = await client(process.env.KEY).chat.completions.create({ model: process.env.MODEL, messages, stream: true });
  for await (const chunk of stream) if (chunk.choices[0]?.finish_reason) broken = chunk.choices[0].finish_reason;
} catch (error) {
  broken = error.constructor.name;
}
console.log(JSON.stringify({ errors, broken }));
