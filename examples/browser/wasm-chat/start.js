import start from "./wasm-chat.js";

start();
