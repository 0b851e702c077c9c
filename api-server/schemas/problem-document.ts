import Type from 'typebox'

/** RFC 9457, and what every error of this server adds. */
export const ProblemDocument = Type.Object(
  {
    type: Type.String({ description: 'about:blank: the code says which error it is' }),
    title: Type.String({ description: 'The name of the status' }),
    status: Type.Integer(),
    detail: Type.String({ description: 'What happened and what to do, for a person' }),
    code: Type.String({ description: 'For a program: stable' }),
    request_id: Type.String({ description: 'Finds the request in the log of the server' }),
    errors: Type.Optional(
      Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }), {
        description: 'With validation_failed: what is wrong where (RFC 6901 pointers)',
      }),
    ),
  },
  { title: 'Problem', description: 'An error (RFC 9457)' },
)
