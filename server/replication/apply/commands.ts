// The statements of our own around the changes: begin, commit, the position. Each is parsed once per session.
import { expected, type Pipeline } from '../../postgres/pipeline.ts'
import { PipelineWriter } from '../../postgres/pipeline-writer.ts'

export class Commands {
  readonly #heads = new Map<string, Buffer>()
  #prepared = 0

  constructor(readonly pipeline: Pipeline) {}

  /** Has the server parse a statement once and for all; answers its name. */
  readonly prepare = (sql: string): string => {
    const name = `s${++this.#prepared}`
    this.pipeline.out.parse(name, sql)
    return name
  }

  /** Whatever it says it did is right. */
  run(sql: string, ...parameters: string[]) {
    this.#send(sql, parameters, expected.anything)
  }

  /** Must touch, or answer, one row. */
  runForOne(sql: string, ...parameters: string[]) {
    this.#send(sql, parameters, expected.oneRow)
  }

  #send(sql: string, parameters: readonly string[], mark: number) {
    const { out } = this.pipeline
    const head = this.#head(sql, parameters.length)
    out.bind(head)
    for (const parameter of parameters) out.text(parameter)
    out.execute()
    this.pipeline.expect(mark)
  }

  #head(sql: string, parameters: number): Buffer {
    let head = this.#heads.get(sql)
    if (!head) {
      head = PipelineWriter.bindHead(this.prepare(sql), false, parameters)
      this.#heads.set(sql, head)
    }
    return head
  }
}
