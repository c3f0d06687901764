// Marks a sentence for people. At run time the tag does nothing: messages are plain English strings, on the wire and in
// the terminal. The page shows them in its language by client/i18n/messages/, and a test compares the two.

export function say(texts: TemplateStringsArray, ...values: readonly unknown[]): string {
  return texts.reduce((text, next, index) => `${text}${values[index - 1]}${next}`)
}
