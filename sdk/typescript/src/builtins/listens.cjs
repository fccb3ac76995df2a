/** In place of packages that listen on ports, beside the stdio of the same program: a component has no ports. */
const get = (_, name) => (name === "then" || typeof name === "symbol" ? undefined : nothing);
const nothing = new Proxy(function () {}, {
  get,
  apply: () => nothing,
  construct: () => nothing,
  // Named imports come from an object that has this prototype.
  getPrototypeOf: () => new Proxy({}, { get }),
});
module.exports = nothing;
