const newline = 0x0a

/** The lines of a stream that are not empty, as they come. What follows the last line break was cut off and is none. */
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let begun: Buffer[] = []
  for await (const chunk of stream) {
    let start = 0
    // Bytes are split, not characters: no character of UTF-8 has a line break in it.
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const line = Buffer.concat([...begun, chunk.subarray(start, end)]).toString('utf8')
      begun = []
      start = end + 1
      if (line !== '') yield line
    }
    if (start < chunk.length) begun.push(chunk.subarray(start))
  }
}
