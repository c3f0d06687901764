// Foreign keys and triggers that a killed run has left dropped or disabled on the destination.
import { say } from '../../shared/say.ts'
import { describeNote, readNotes } from '../coordination/suspension-notes.ts'
import { type Check, findingFor, type Remark } from './check.ts'

const suspendedConstraints: Check = {
  id: 'left-away',
  title: 'Suspended foreign keys and triggers',
  why: say`A run that was killed could not restore what it had dropped or disabled for its copy. Until it is restored, invalid rows can be written.`,
  async look({ destination }): Promise<Remark> {
    const { left, distrusted } = await readNotes(destination)
    return findingFor([...left.map(describeNote), ...(distrusted ? [distrusted] : [])], say`none`, {
      status: 'warning',
      found: say`a run that was killed has left them dropped or disabled on the destination`,
      todo: say`The next clone or copy restores them at its end; "pgtrek repair --dest URL" restores them now.`,
    })
  },
}

export const suspendedChecks: readonly Check[] = [suspendedConstraints]
