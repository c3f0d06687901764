declare module '*.css'
/** HTML, made from Markdown while building. */
declare module '*.md' {
  const html: string
  export default html
}
