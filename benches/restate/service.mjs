// Restate's side of `theazo-bench steps`: handlers of durable steps that do nothing.
import * as restate from "@restatedev/restate-sdk";

// The SDK needs it, and Node has it from 22 on only.
Promise.withResolvers ??= function withResolvers() {
  let settle;
  const promise = new this((resolve, reject) => (settle = { resolve, reject }));
  return { promise, ...settle };
};

const steps = (count) => async (ctx) => {
  for (let step = 0; step < count; step += 1) {
    await ctx.run(`step ${step}`, () => step);
  }
  return count;
};

const bench = restate.service({
  name: "bench",
  handlers: { ten: steps(10), twentyone: steps(21) },
});

await restate.serve({ services: [bench], port: Number(process.env.BENCH_PORT) });
