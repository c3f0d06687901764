// Loaded before every test file: when the last test is done, the servers go.
import { afterAll } from 'bun:test'
import { stopAllClusters } from './clusters.ts'

// A busy machine takes its time to stop several.
afterAll(stopAllClusters, 60_000)
