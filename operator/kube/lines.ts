const newline = 0x0a

/** The non-empty lines of a stream, as they arrive. Text after the last line break is incomplete and is dropped. */
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let begun: Buffer[] = []
  for await (const chunk of stream) {
    let start = 0
    // Splits bytes, not characters: no UTF-8 character contains a line break.
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const line = Buffer.concat([...begun, chunk.subarray(start, end)]).toString('utf8')
      begun = []
      start = end + 1
      if (line !== '') yield line
    }
    if (start < chunk.length) begun.push(chunk.subarray(start))
  }
}
