import type { Json, Run } from "./run.ts";

/** Passes on a notification of the server, if the contract has it. */
export function notify(run: Run, method: string, params: Json): void {
  const { host } = run;
  switch (method) {
    case "notifications/progress":
      return run.tell(() => host.progress(params.progress, params.total, params.message));
    case "notifications/message":
      return run.tell(() => host.log(params.level, params.logger, params.data));
    case "notifications/resources/updated":
      return run.tell(() => host.resourceUpdated(params.uri));
    case "notifications/tools/list_changed":
      return run.tell(() => host.listChanged("tools"));
    case "notifications/resources/list_changed":
      return run.tell(() => host.listChanged("resources"));
    case "notifications/prompts/list_changed":
      return run.tell(() => host.listChanged("prompts"));
  }
}
