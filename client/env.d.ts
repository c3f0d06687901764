declare module '*.css'
/** HTML, made from Markdown by the build. */
declare module '*.md' {
  const html: string
  export default html
}
