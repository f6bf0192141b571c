// Responses as a stream with the SDK's helper, then whole.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE + "/v1", apiKey: process.env.KEY, maxRetries: 0 });
const call = { model: process.env.MODEL, input: "ping" };
const kinds = [];
const stream = client.responses.stream(call);
for await (const event of stream) kinds.push(event.type);
const final = await stream.finalResponse();
const whole = await client.responses.create(call);
console.log(JSON.stringify({ kinds, streamed: final.output_text, whole: whole.output_text, status: final.status }));
