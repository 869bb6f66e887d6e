// Every host name leads nowhere, as on a machine without a network.
import dns from "node:dns";

dns.lookup = (host, options, callback) => {
  const answer = typeof options === "function" ? options : callback;
  process.nextTick(answer, new Error(`offline: ${host} is not looked up`));
};
