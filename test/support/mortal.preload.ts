// In every worker thread that `mortalWorkers` has a hand in: it ends when told to.
addEventListener('message', ({ data }: MessageEvent<{ type?: string }>) => {
  if (data.type === 'exit') process.exit(3)
  // No handler of the worker's own is around it.
  if (data.type === 'throw') setTimeout(() => Promise.reject(new Error('a mistake of its own')))
})

export {}
