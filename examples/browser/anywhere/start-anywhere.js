import start from "./anywhere.js";

start();
