// How many rows a stream has written to each table of the destination, so that what the server counts beside them
// is known to be somebody else's. Counted ahead of the server, and rather too many than too few: what was rolled
// back, too, as the server does.

export interface Written {
  rows: number
}

export class OwnWrites {
  readonly #tables = new Map<number, Written>()

  /** By the OID on the destination; lives as long as this does, across connections. */
  of(table: number): Written {
    let written = this.#tables.get(table)
    if (!written) {
      written = { rows: 0 }
      this.#tables.set(table, written)
    }
    return written
  }
}
