module casemate.dev/hack/parts/pause

go 1.26.0
