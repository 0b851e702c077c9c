import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BadAnswerError, readAnswer } from './answer.ts'

const lines = (...all: string[]) => all.join('\r\n')
const withLength = lines('HTTP/1.1 200 OK', 'Content-Length: 5', 'Connection: keep-alive', '', 'hello')

const answers: [what: string, text: string, status: number, isLast: boolean][] = [
  ['of a known length', withLength, 200, false],
  [
    'in chunks',
    lines('HTTP/1.1 401 U', 'Transfer-Encoding: chunked', '', '5', 'a\r\n\r\n', '1;x=y', 'b', '0', '', ''),
    401,
    false,
  ],
  [
    'in chunks with a trailer',
    lines('HTTP/1.1 200 OK', 'transfer-encoding: chunked', '', 'a', '0123456789', '0', 'x: y', '', ''),
    200,
    false,
  ],
  ['without a body', lines('HTTP/1.1 204 No Content', 'x: y', '', ''), 204, false],
  ['without a reason', lines('HTTP/1.1 503 ', 'content-length:0', '', ''), 503, false],
  ['after an interim one', lines('HTTP/1.1 103 Early Hints', 'link: x', '', withLength), 200, false],
  [
    'the last one of its connection',
    lines('HTTP/1.1 200 OK', 'connection: close', 'content-length: 0', '', ''),
    200,
    true,
  ],
  ['of HTTP/1.0', lines('HTTP/1.0 200 OK', 'content-length: 0', '', ''), 200, true],
]

test.each(answers)('an answer %s is complete with its last byte and not before', (_what, text, status, isLast) => {
  for (let length = 0; length < text.length; length++) expect(readAnswer(text.slice(0, length))).toBeUndefined()
  expect(readAnswer(text)).toEqual({ status, isLast })
})

test('an answer without a length is complete when its connection ends', () => {
  const text = lines('HTTP/1.1 200 OK', '', 'some of it')
  expect(readAnswer(text)).toBeUndefined()
  expect(readAnswer(text, true)).toEqual({ status: 200, isLast: true })
})

test('an answer that is cut off is not complete', () => {
  for (const [, text] of answers) expect(readAnswer(text.slice(0, -1), true)).toBeUndefined()
})

test('anything but exactly one answer is an error', () => {
  const wrong = [
    'SSH-2.0-OpenSSH_9\r\n\r\n',
    `${withLength}!`,
    `${withLength}${withLength}`,
    lines('HTTP/1.1 200 OK', 'transfer-encoding: chunked', '', 'what', ''),
  ]
  for (const text of wrong) expect(() => readAnswer(text), text).toThrow(BadAnswerError)
})

test('the body may contain any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isChunked) => {
      const body = Buffer.from(bytes).toString('latin1')
      const chunk = body.length === 0 ? '' : `${body.length.toString(16)}\r\n${body}\r\n`
      const text = isChunked
        ? lines('HTTP/1.1 200 OK', 'transfer-encoding: chunked', '', `${chunk}0`, '', '')
        : lines('HTTP/1.1 200 OK', `content-length: ${body.length}`, '', body)
      expect(readAnswer(text)).toEqual({ status: 200, isLast: false })
    }),
  )
})
