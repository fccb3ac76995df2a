/** The globals of QuickJS, for the type checker. */

declare var console: Record<"debug" | "error" | "info" | "log" | "warn", (...values: unknown[]) => void>;
/** There is none: a feature that sends requests needs the engine StarlingMonkey. */
declare var fetch: QuickJsHasNoFetchUseStarlingMonkey;
interface QuickJsHasNoFetchUseStarlingMonkey {}
