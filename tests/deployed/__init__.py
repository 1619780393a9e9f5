"""What must hold wherever the service runs: one suite for one machine (`make run`) and for a deployment on AWS."""
