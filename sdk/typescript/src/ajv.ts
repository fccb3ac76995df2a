/** In place of the validator of SDK version 1, which checks the answers of clients. */

import { mismatches } from "./schema.ts";

export class AjvJsonSchemaValidator {
  getValidator(schema: any) {
    return (data: any) => {
      const [first] = mismatches(schema, data);
      if (!first) return { valid: true, data, errorMessage: undefined };
      const place = (first.path ?? []).join(".");
      return { valid: false, data: undefined, errorMessage: place ? `${place}: ${first.message}` : first.message };
    };
  }
}
