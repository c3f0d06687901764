// Installs the packages that a new machine lacks, among them Bun, before any other script runs. Plain Node without
// dependencies, because nothing is installed yet.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const installed = join(root, 'node_modules', '.package-lock.json')
const wanted = ['package.json', 'package-lock.json'].map((name) => join(root, name))
const windows = process.platform === 'win32'

if (!existsSync(installed) || wanted.some((file) => statSync(file).mtimeMs > statSync(installed).mtimeMs)) {
  const npm = windows ? 'npm.cmd' : 'npm'
  execFileSync(npm, ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: 'inherit', shell: windows })
}

// Package managers that do not run install scripts leave Bun's launcher incomplete.
const bun = join(root, 'node_modules', '.bin', windows ? 'bun.cmd' : 'bun')
if (spawnSync(bun, ['--version'], { shell: windows }).status !== 0) {
  execFileSync(process.execPath, ['install.js'], {
    cwd: join(root, 'node_modules', 'bun'),
    stdio: 'inherit',
  })
}
