import type { Session } from './session.ts'

/** Read-write, also where the default of the database is read-only. */
export async function inTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.execute('begin read write')
  try {
    const result = await work()
    await session.execute('commit')
    return result
  } catch (error) {
    await session.execute('rollback').catch(() => {})
    throw error
  }
}
