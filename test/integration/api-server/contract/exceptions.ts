/** Described answers that `every-app.ts` cannot observe, each with the reason. `*` stands for every operation. */
export const exceptions: Readonly<Record<string, string>> = {
  '* 408 request_timeout': 'The HTTP parser answers before a request exists: slow-clients.test.ts observes it.',
  '* 431 headers_too_large': 'The HTTP parser answers before a request exists: slow-clients.test.ts observes it.',
  '* 400 bad_request': 'An invalid path has no route; an invalid body has one: common-answers.test.ts observes both.',
}
