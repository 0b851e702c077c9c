/** Answers that are described and that no test can bring about, as `operationId status code`, each with the reason. */
export const exceptions: Readonly<Record<string, string>> = {}
