// How many rows a stream has written to each table of the destination. Rows that the server counts in addition were
// written by others. The count is made before the server's and is rather too high than too low: like the server's, it
// includes what was rolled back.

export interface Written {
  rows: number
  /** How often something was done that the server may count in another way. */
  unclear: number
}

export class OwnWrites {
  readonly #tables = new Map<number, Written>()

  /** By the table's OID on the destination. The count continues across connections. */
  of(table: number): Written {
    let written = this.#tables.get(table)
    if (!written) {
      written = { rows: 0, unclear: 0 }
      this.#tables.set(table, written)
    }
    return written
  }
}
