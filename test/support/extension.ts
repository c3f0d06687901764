// An extension for a test, in the directory where the server looks for extensions.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Major, programsOf } from '../../tools/servers/binaries.ts'

/** Its files are removed when it is disposed of; its name must be unique. */
export function extensionOn(majors: readonly Major[], name: string, script: string): Disposable {
  const files = majors.flatMap((major) => {
    const directory = join(programsOf(major).bin, '../share/postgresql/extension')
    const control = join(directory, `${name}.control`)
    const sql = join(directory, `${name}--1.0.sql`)
    writeFileSync(control, "default_version = '1.0'\nrelocatable = false\n")
    writeFileSync(sql, script)
    return [control, sql]
  })
  return {
    [Symbol.dispose]() {
      for (const file of files) rmSync(file, { force: true })
    },
  }
}
