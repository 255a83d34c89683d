-- Health for Argo CD. One script for three keys of the ConfigMap argocd-cm:
-- resource.customizations.health.casemate.dev_ModelDeployment
-- resource.customizations.health.casemate.dev_UsageAgreement
-- resource.customizations.health.casemate.dev_Supplier
local hs = { status = "Progressing", message = "not looked at yet" }
if obj.status == nil or obj.status.conditions == nil then
  return hs
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  hs.message = "the newest spec was not looked at yet"
  return hs
end
local found = {}
for _, condition in ipairs(obj.status.conditions) do
  found[condition.type] = condition
end
local ready = found["Ready"]
if found["Stalled"] ~= nil and found["Stalled"].status == "True" then
  return { status = "Degraded", message = found["Stalled"].message }
end
if ready ~= nil and ready.reason == "Suspended" then
  return { status = "Suspended", message = ready.message }
end
if ready ~= nil and ready.status == "True" then
  return { status = "Healthy", message = ready.message }
end
if ready ~= nil then
  hs.message = ready.message
end
return hs
