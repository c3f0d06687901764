// Our own statements around the changes: BEGIN, COMMIT, the position. Each is parsed once per session.
import { expected, type Pipeline } from '../../postgres/pipeline.ts'
import { PipelineWriter } from '../../postgres/pipeline-writer.ts'

export class Commands {
  readonly #heads = new Map<string, Buffer>()
  #prepared = 0

  constructor(readonly pipeline: Pipeline) {}

  /** Has the server parse a statement, unless it has already, and returns its name. */
  readonly prepare = (sql: string): string => {
    const name = `s${++this.#prepared}`
    this.pipeline.out.parse(name, sql)
    return name
  }

  /** Accepts any number of rows. */
  run(sql: string, ...parameters: string[]) {
    this.#send(sql, parameters, expected.anything)
  }

  /** Must affect, or return, one row. */
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
