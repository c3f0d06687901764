// Loaded in every worker thread of `mortalWorkers`: ends the thread on request.
addEventListener('message', ({ data }: MessageEvent<{ type?: string }>) => {
  if (data.type === 'exit') process.exit(3)
  // Not inside a handler of the worker.
  if (data.type === 'throw') setTimeout(() => Promise.reject(new Error('a mistake of its own')))
})

export {}
