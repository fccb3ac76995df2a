/** What `handle` deals with. Texts of JSON are as the client and the features wrote them. */

/** Hands a method and its params on, and gives the answer or throws a `Refusal`. */
export type Next = (method: string, params: string) => string;

/** A failure that the client sees. `data` is text of JSON. */
export class Refusal extends Error {
  readonly code: number;
  readonly data: string | undefined;

  constructor(code: number, message: string, data?: string) {
    super(message);
    this.code = code;
    this.data = data;
  }
}
