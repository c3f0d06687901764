// Reads pg_dump's output while it is written: its script in pieces that can be sent to the main thread, and the end of
// its messages. The package around it would keep both in memory, the script several times, until pg_dump has ended.
// https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview1/docs.md#fd_write

type FileWrite = (file: number, vectors: number, count: number, written: number) => number

const errorFile = 2
const pieceBytes = 1 << 20
const keptWords = 1 << 16

/** The imports of a WebAssembly module, by module and function name. */
export type Imports = NonNullable<Parameters<typeof WebAssembly.instantiate>[1]>

export class DumpOutput {
  #memory: WebAssembly.Memory | undefined
  #viewed: { bytes: Uint8Array; numbers: DataView } | undefined
  #piece = new Uint8Array(pieceBytes)
  #length = 0
  #words: Uint8Array[] = []
  #wordsLength = 0

  constructor(readonly onScript: (piece: Uint8Array) => void) {}

  /** The module's imports, with its write function replaced. */
  tap(module: WebAssembly.Module, imports: Imports): Imports {
    const tapped: Imports = {}
    for (const { module: space, name } of WebAssembly.Module.imports(module)) {
      const given = imports[space]?.[name] as Imports[string][string]
      const found = given instanceof WebAssembly.Memory ? given : undefined
      if (found) this.#memory = found
      tapped[space] ??= {}
      tapped[space][name] = name === 'fd_write' ? this.#writing(given as FileWrite) : given
    }
    return tapped
  }

  /** The memory of a module is known only after its instantiation. */
  attach({ exports }: WebAssembly.Instance) {
    if (exports.memory instanceof WebAssembly.Memory) this.#memory = exports.memory
  }

  /** Sends the rest of the script. */
  flush() {
    if (this.#length > 0) this.onScript(this.#piece.slice(0, this.#length))
    this.#length = 0
  }

  /** Returns the end of its messages, and clears it. */
  takeMessages(): string {
    const text = Buffer.concat(this.#words).toString('utf8')
    this.#words = []
    this.#wordsLength = 0
    return text
  }

  #writing(write: FileWrite): FileWrite {
    return (file, vectors, count, written) => {
      // Standard output gets little text; the package handles it.
      if (file < errorFile || !this.#memory) return write(file, vectors, count, written)
      const { bytes, numbers } = this.#view(this.#memory)
      let total = 0
      for (let index = 0; index < count; index++) {
        const start = numbers.getUint32(vectors + index * 8, true)
        const length = numbers.getUint32(vectors + index * 8 + 4, true)
        const part = bytes.subarray(start, start + length)
        if (file === errorFile) this.#keepMessages(part)
        else this.#take(part)
        total += length
      }
      numbers.setUint32(written, total, true)
      return 0
    }
  }

  /** Memory that has grown has a new buffer. */
  #view({ buffer }: WebAssembly.Memory) {
    if (this.#viewed?.numbers.buffer !== buffer) {
      this.#viewed = { bytes: new Uint8Array(buffer), numbers: new DataView(buffer) }
    }
    return this.#viewed
  }

  #take(part: Uint8Array) {
    for (let position = 0; position < part.length; ) {
      const step = Math.min(part.length - position, pieceBytes - this.#length)
      this.#piece.set(part.subarray(position, position + step), this.#length)
      this.#length += step
      position += step
      if (this.#length === pieceBytes) this.flush()
    }
  }

  /** With --verbose pg_dump writes a line for each object that it reads and dumps; the last lines matter. */
  #keepMessages(part: Uint8Array) {
    this.#words.push(part.slice())
    this.#wordsLength += part.length
    if (this.#wordsLength < 2 * keptWords) return
    const last = Buffer.concat(this.#words).subarray(-keptWords)
    this.#words = [new Uint8Array(last)]
    this.#wordsLength = last.length
  }
}
