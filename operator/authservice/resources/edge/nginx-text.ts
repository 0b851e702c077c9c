/** Listens on IPv4 and IPv6. A pod without IPv6 removes the second line. */
export function listen(port: number, parameters = ''): string {
  return `listen ${port}${parameters};\nlisten [::]:${port}${parameters};`
}

/** Indents lines of a configuration. Empty lines stay empty. */
export function indent(text: string, columns: number): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `${' '.repeat(columns)}${line}`))
    .join('\n')
}
