-- Where the versions of one kind of text were used: a row per version, run and step, the newest run first.
WITH texts AS (
  SELECT 'prompt' AS kind, cell, step, prompt AS name, prompt_hash AS hash FROM cells WHERE prompt_body <> ''
  UNION ALL SELECT 'perspective', cell, step, perspective, perspective_hash FROM cells WHERE perspective_body <> ''
  UNION ALL SELECT 'codebook', cell, step, codebook, codebook_hash FROM cells
), asked AS (
  SELECT j.cell, m.run_id, count(*) AS jobs FROM run_jobs m JOIN jobs j ON j.job_id = m.job_id GROUP BY j.cell, m.run_id
)
SELECT t.name, t.hash, a.run_id, t.step, sum(a.jobs), u.started_at,
  coalesce(u.ended_at, u.heartbeat_at, u.started_at),
  json_extract(u.body, '$.git.commit'), coalesce(json_extract(u.body, '$.git.dirty'), 0)
FROM texts t JOIN asked a ON a.cell = t.cell JOIN runs u ON u.run_id = a.run_id
WHERE t.kind = :kind AND (:name IS NULL OR t.name = :name)
GROUP BY t.name, t.hash, a.run_id, t.step
ORDER BY u.started_at DESC, a.run_id DESC, t.name, t.step, t.hash
