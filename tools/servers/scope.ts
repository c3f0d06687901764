// Ends what a test creates after that test, and what is created outside of a test, as in `beforeAll`, after the file.
// Where tests of one file run at the same time, all of it ends after the last of them.

type Ending = () => unknown

const ofFile: Ending[] = []
const ofTest: Ending[] = []
const ofServers: Ending[] = []
let testsRunning = 0

/** Calls this after the test, or after the file if no test is running, in reverse order. */
export function whenOver(ending: Ending) {
  const endings = testsRunning > 0 ? ofTest : ofFile
  endings.push(ending)
}

export function whenFileOver(ending: Ending) {
  ofFile.push(ending)
}

/** Calls this after everything else of the file. */
export function whenServersAreDone(ending: Ending) {
  ofServers.push(ending)
}

/** True for the first of tests that run at the same time. */
export function testBegins(): boolean {
  testsRunning++
  return testsRunning === 1
}

/** True for the last of tests that run at the same time. */
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

/** Runs all of them, also after errors, and returns the errors. */
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
