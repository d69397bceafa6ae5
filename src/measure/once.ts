/** Computes a value once for each key, such as a history, as long as the key lives. */
export function oncePer<K extends object, T>(compute: (key: K) => T): (key: K) => T {
  const computed = new WeakMap<K, T>();
  return (key) => {
    if (!computed.has(key)) computed.set(key, compute(key));
    return computed.get(key) as T;
  };
}
