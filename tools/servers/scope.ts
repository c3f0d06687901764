// What a test makes ends with it; what is made outside of a test, as in `beforeAll`, ends with its file. Where
// tests of one file run at the same time, what they make ends with the last of them.

type Ending = () => unknown

const ofFile: Ending[] = []
const ofTest: Ending[] = []
const ofServers: Ending[] = []
let testsRunning = 0

/** Calls this when the test is over, or the file if no test is running. The last one made is the first to end. */
export function whenOver(ending: Ending) {
  const endings = testsRunning > 0 ? ofTest : ofFile
  endings.push(ending)
}

export function whenFileOver(ending: Ending) {
  ofFile.push(ending)
}

/** After everything else of the file. */
export function whenServersAreDone(ending: Ending) {
  ofServers.push(ending)
}

/** True for the first of those that run at the same time. */
export function testBegins(): boolean {
  testsRunning++
  return testsRunning === 1
}

/** True for the last of those that run at the same time. */
export function testEnds(): boolean {
  testsRunning--
  return testsRunning === 0
}

export function endTestScope(): Promise<unknown[]> {
  return endAll(ofTest)
}

export function endFileScope(): Promise<unknown[]> {
  return endAll(ofFile)
}

export function endServerScope(): Promise<unknown[]> {
  return endAll(ofServers)
}

/** Each gets its turn, whatever happened to the others; returns what went wrong. */
async function endAll(endings: Ending[]): Promise<unknown[]> {
  const errors: unknown[] = []
  for (let ending = endings.pop(); ending; ending = endings.pop()) {
    try {
      await ending()
    } catch (error) {
      errors.push(error)
    }
  }
  return errors
}
