/**
 * Answers that are described and that the check of every app cannot see, each with the reason; `*` stands for every
 * operation.
 */
export const exceptions: Readonly<Record<string, string>> = {
  '* 408 request_timeout': 'Answered by the parser before there is a request: slow-clients.test.ts sees it.',
  '* 431 headers_too_large': 'Answered by the parser before there is a request: slow-clients.test.ts sees it.',
  '* 400 bad_request': 'A broken path has no route yet; a broken body has: common-answers.test.ts sees both.',
}
