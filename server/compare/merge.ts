// Merges two sorted streams group by group: groups in the first, in the second, in both. Only one page of each stream
// is in memory.

export interface Groups<Item> {
  source: Item[]
  destination: Item[]
}

/** Both streams ascend by `keyOf`; each group contains all items of one key. */
export async function* mergeByKey<Item>(
  source: AsyncIterable<Item>,
  destination: AsyncIterable<Item>,
  keyOf: (item: Item) => bigint,
): AsyncGenerator<Groups<Item>> {
  const [here, there] = [new Peekable(source), new Peekable(destination)]
  for (;;) {
    // Both servers are queried at the same time.
    const [one, other] = await Promise.all([here.peek(), there.peek()])
    if (one === undefined && other === undefined) return
    const [least] = [one, other]
      .flatMap((item) => (item === undefined ? [] : [keyOf(item)]))
      .sort((left, right) => (left < right ? -1 : 1))
    yield {
      source: await here.takeWhile((item) => keyOf(item) === least),
      destination: await there.takeWhile((item) => keyOf(item) === least),
    }
  }
}

class Peekable<Item> {
  readonly #iterator: AsyncIterator<Item>
  #next: Item | undefined

  constructor(items: AsyncIterable<Item>) {
    this.#iterator = items[Symbol.asyncIterator]()
  }

  async peek(): Promise<Item | undefined> {
    if (this.#next === undefined) {
      const { done, value } = await this.#iterator.next()
      this.#next = done ? undefined : value
    }
    return this.#next
  }

  async takeWhile(wanted: (item: Item) => boolean): Promise<Item[]> {
    const taken: Item[] = []
    for (let item = await this.peek(); item !== undefined && wanted(item); item = await this.peek()) {
      taken.push(item)
      this.#next = undefined
    }
    return taken
  }
}
