/**
 * Questions that come while one of the same key is on its way share the next one: many at once cost two. Every answer was asked
 * for after its question came, so it is never older than the question, which an answer on its way could be.
 */
export function shareQuestions<Args extends unknown[], Answer>(
  keyOf: (...args: Args) => string,
  ask: (...args: Args) => Promise<Answer>,
): (...args: Args) => Promise<Answer> {
  const running = new Map<string, { answer: Promise<Answer>; next: Promise<Answer> | null }>()

  const start = (key: string, args: Args): Promise<Answer> => {
    const answer = ask(...args)
    const state = { answer, next: null }
    running.set(key, state)
    const settle = () => {
      if (running.get(key) === state && state.next === null) running.delete(key)
    }
    answer.then(settle, settle)
    return answer
  }

  return (...args) => {
    const key = keyOf(...args)
    const state = running.get(key)
    if (state === undefined) return start(key, args)
    const follow = () => start(key, args)
    state.next ??= state.answer.then(follow, follow)
    return state.next
  }
}
