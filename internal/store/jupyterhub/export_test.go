package jupyterhub

// What tests look at from outside.
var (
	ParseJSON = parseJSON
	ParseTime = parseTime
)
