import start, * as tests from "./ws_wasm_tests.js";

const started = start();
onmessage = async ({ data: { what, options } }) => {
  try {
    await started;
    postMessage({ value: await tests[what](...options) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
